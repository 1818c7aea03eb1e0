// A heartbeat beside a promise that is settled after a while.
const heartbeat = setInterval(() => {}, 30000);
const answer = await new Promise((r) => setTimeout(() => r(42), 3000));
clearInterval(heartbeat);
console.log(answer);
