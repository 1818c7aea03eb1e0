# Four shells deep.
sh -c 'sh -c "sh -c \"sleep 300; :\"; :"; :'
