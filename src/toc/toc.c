#include "toc/toc.h"
