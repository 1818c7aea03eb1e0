// A name server on the loopback that never answers.
import dgram from 'node:dgram';
import { once } from 'node:events';
import { Resolver } from 'node:dns/promises';

const deaf = dgram.createSocket('udp4').bind(0, '127.0.0.1');
await once(deaf, 'listening');
const resolver = new Resolver({ timeout: 100000, tries: 1 });
resolver.setServers(['127.0.0.1:' + deaf.address().port]);
await resolver.resolve4('db.test');
