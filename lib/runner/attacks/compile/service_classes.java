import space.chill.runner.*;

public class Main {
    public static void main(String[] args) {
        System.out.println(CompileService.class);
    }
}
