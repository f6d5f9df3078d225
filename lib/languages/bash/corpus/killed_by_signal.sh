printf before
kill -SEGV $$
