const readline = require('readline/promises');
const ask = readline.createInterface({ input: process.stdin, output: process.stdout });
(async () => {
  await ask.question('Ok to proceed? (y) ');
  ask.close();
})();
