'use strict';
// An interval keeps the loop alive while a promise is never settled.
setInterval(() => {}, 1000);
(async function wait() { await new Promise(() => {}); })();
