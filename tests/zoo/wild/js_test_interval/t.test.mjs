import test from 'node:test';
import assert from 'node:assert/strict';

test('polls the queue', () => {
  setInterval(() => {}, 60000);
  assert.ok(true);
});
