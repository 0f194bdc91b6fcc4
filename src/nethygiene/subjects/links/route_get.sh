# The kernel's answer for each address, and then the routes that decide. The plain answers first:
# older tools give up at the word that asks for the deciding route.
{
  printf "route get %s\n" @ADDRESSES@
  printf "route get fibmatch %s\n" @ADDRESSES@
} | ip -@VERSION@ -o -force -batch -
