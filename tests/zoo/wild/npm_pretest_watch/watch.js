// A watcher where a single run was wanted: the tests never begin.
require('fs').watch('.', () => {});
console.log('watching for changes');
