# Asks the kernel for the way to each address, and then for the routes that decide. The plain
# questions come first: older tools give up at the word that asks for the deciding route.
{
  printf "route get %s\n" @ADDRESSES@
  printf "route get fibmatch %s\n" @ADDRESSES@
} | ip -@VERSION@ -o -force -batch -
