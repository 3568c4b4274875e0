/** Loaded first by `npm run torture`: tests that read SEALWARD_TORTURE do all that they can, instead of a sample that CI has time for. */
process.env['SEALWARD_TORTURE'] = '1';
