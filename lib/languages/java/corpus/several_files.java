import geometry.Plane;

public class Main {
    public static void main(String[] args) {
        System.out.println(Plane.area(3) + Helper.PLUS);
        int[] none = new int[0];
        System.out.println(none[1]);
    }
}
