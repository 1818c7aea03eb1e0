if (!fork) { sleep 3; exit } wait;
