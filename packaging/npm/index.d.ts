/** The extension's file, to be given to `loadExtension()`. Requiring the package throws where it
 * has no library for the platform. */
export const path: string;
