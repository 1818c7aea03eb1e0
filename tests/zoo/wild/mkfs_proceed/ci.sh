# There is a file system in the image already.
truncate -s 8M disk.img
PATH=$PATH:/usr/sbin
mke2fs -q -t ext4 -F disk.img
mke2fs -q -t ext4 disk.img
