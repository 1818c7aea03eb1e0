// Awaits the end of a filter whose input it does not end.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const cat = spawn('sort', [], { stdio: ['pipe', 'inherit', 'inherit'] });
cat.stdin.write('b\na\n');
await once(cat, 'close');
