/** How much every space takes, kept up to date by the database itself: nothing that is written or removed can be missed. */
export const sql = /* sql */ `
CREATE TABLE space_sizes (
  space INTEGER PRIMARY KEY REFERENCES spaces (id),
  -- Of the texts of its log and its records.
  bytes INTEGER NOT NULL
) STRICT;

INSERT INTO space_sizes (space, bytes)
SELECT id,
  (SELECT coalesce(sum(octet_length(text)), 0) FROM log WHERE space = spaces.id)
  + (SELECT coalesce(sum(octet_length(state)), 0) FROM records WHERE space = spaces.id)
FROM spaces;

CREATE TRIGGER size_of_space AFTER INSERT ON spaces BEGIN
  INSERT INTO space_sizes (space, bytes) VALUES (NEW.id, 0);
END;
CREATE TRIGGER size_of_entry AFTER INSERT ON log WHEN NEW.text IS NOT NULL BEGIN
  UPDATE space_sizes SET bytes = bytes + octet_length(NEW.text) WHERE space = NEW.space;
END;
CREATE TRIGGER size_of_cut AFTER DELETE ON log WHEN OLD.text IS NOT NULL BEGIN
  UPDATE space_sizes SET bytes = bytes - octet_length(OLD.text) WHERE space = OLD.space;
END;
CREATE TRIGGER size_of_record AFTER INSERT ON records BEGIN
  UPDATE space_sizes SET bytes = bytes + octet_length(NEW.state) WHERE space = NEW.space;
END;
CREATE TRIGGER size_of_write AFTER UPDATE OF state ON records BEGIN
  UPDATE space_sizes SET bytes = bytes + octet_length(NEW.state) - octet_length(OLD.state) WHERE space = NEW.space;
END;
CREATE TRIGGER size_of_forgotten AFTER DELETE ON records BEGIN
  UPDATE space_sizes SET bytes = bytes - octet_length(OLD.state) WHERE space = OLD.space;
END;
`;
