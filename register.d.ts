/**
 * Starts the guard of this process when it is loaded: `node -r memguard/register app.js`,
 * `node --import memguard/register app.mjs`, or as an application's first import. It exports nothing;
 * the settings come from `MEMGUARD_…` variables in the environment.
 */
export {};
