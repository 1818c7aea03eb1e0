import assert from 'node:assert';
import { test } from 'node:test';

const news = new BroadcastChannel('news');

test('adds', () => { assert.equal(1 + 1, 2); });
test('has a name', () => { assert.equal(news.name, 'news'); });
