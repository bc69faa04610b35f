// Warnings of the compiler, those about accessibility among them, are errors.
export default {
  onwarn(warning) {
    throw new Error(`${warning.filename}: ${warning.code}: ${warning.message}`);
  },
};
