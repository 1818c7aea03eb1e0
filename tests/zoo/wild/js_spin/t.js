'use strict';
// A regular expression that backtracks for ever.
/^(a+)+$/.test('a'.repeat(60) + '!');
