echo ready >>app.log
read -r go <release
