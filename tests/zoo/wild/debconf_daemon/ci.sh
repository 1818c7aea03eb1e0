# Configures a package; its script starts a daemon, which inherits debconf's pipe.
export DEBIAN_FRONTEND=noninteractive DEBCONF_SYSTEMRC=$PWD/debconf.conf
debconf ./postinst configure
