import react from '@vitejs/plugin-react'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const ARCHIVE = process.env.RADSTREAM_ARCHIVE ?? 'http://127.0.0.1:8042'
const CODECS = [
  '@cornerstonejs/codec-charls/decodewasmjs',
  '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs',
  '@cornerstonejs/codec-openjpeg/decodewasmjs',
  '@cornerstonejs/codec-openjph/wasmjs',
]

export default defineConfig({
  base: './', // the archive may be served below a path
  plugins: [react()],
  resolve: {
    // vtk.js reads XML meshes by a library that needs node; nothing here does.
    alias: { xmlbuilder2: fileURLToPath(new URL('./src/stubs/xmlbuilder2.ts', import.meta.url)) },
  },
  worker: { format: 'es' },
  // Bundled beforehand, the loader would lose the address of its worker in development; its codecs need to be.
  optimizeDeps: { exclude: ['@cornerstonejs/dicom-image-loader'], include: ['dicom-parser', ...CODECS] },
  build: { target: 'es2022', chunkSizeWarningLimit: 4000 },
  server: { proxy: Object.fromEntries(['/dicom-web', '/study-list', '/feed', '/operations'].map((path) => [path, ARCHIVE])) },
})
