<?php
echo "Do you really wish to run this command? (yes/no) [no]:\n";
fgets(STDIN);
