package zoo;

import zoo.animals.Animal;
import zoo.animals.Cat;

public class Zoo {
    public static void main(String[] args) {
        Animal[] animals = {new Cat("Minka"), new Animal.Dog("Rex", 3)};
        for (Animal animal : animals) System.out.println(animal + " " + animal.sound());
    }
}
