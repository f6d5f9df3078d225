package space.chill.runner;

/** The first program of each waiting JVM, which loads what starting a program needs. */
public final class EmptyProgram {
    public static void main(String[] args) {}
}
