# A process in name spaces of its own, as containers are.
unshare -fp --mount-proc sh inner.sh
