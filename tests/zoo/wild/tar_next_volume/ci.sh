# The archive is larger than one volume.
head -c 400000 /dev/urandom >data
tar -cM -L 100 -f backup.tar data
