import { createInterface } from 'node:readline';

let n = 0;
for await (const line of createInterface({ input: process.stdin })) n += line.length;
console.log(n);
