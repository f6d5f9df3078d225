set -euo pipefail
echo before
echo "$missing"
echo after
