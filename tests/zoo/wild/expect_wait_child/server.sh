echo ready
sleep 600
