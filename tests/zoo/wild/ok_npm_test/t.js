setTimeout(() => console.log("ok"), 3000);
