read -r result <checks
