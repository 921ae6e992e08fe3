/** An entry of the app's own build. */
import '@skerry/sdk/worker';
