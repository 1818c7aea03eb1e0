printf -- '--- a/gone.c\n+++ b/gone.c\n@@ -1 +1 @@\n-a\n+b\n' >fix.diff
patch -p1 -i fix.diff
