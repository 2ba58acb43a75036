/** Stands in for xmlbuilder2, see vite.config.ts. */
export function create(): never {
  throw new Error('no XML meshes are read here')
}
