setTimeout(() => console.log('done'), 3200);
