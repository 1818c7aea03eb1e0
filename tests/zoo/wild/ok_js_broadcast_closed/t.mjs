// The channel is closed when the news has come.
const to = new BroadcastChannel('news'), from = new BroadcastChannel('news');
const heard = new Promise((r) => { from.onmessage = (e) => r(e.data); });
setTimeout(() => to.postMessage('late'), 3000);
console.log(await heard);
to.close();
from.close();
