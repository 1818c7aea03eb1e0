# What start.sh leaves behind keeps the pipe into tee open.
sh start.sh | tee start.log
echo started
