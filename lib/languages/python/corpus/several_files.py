import sys

import shapes
from geometry.plane import area

print(area(shapes.SQUARE), open("data/numbers.txt").read().strip(), sys.argv[1:])
