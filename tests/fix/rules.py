"""One case a rule of docs/fix.md that the larger cases would pass by."""
import contents
from box import case, equal
from mkimage import ACL_ACCESS, Layer, acl, save_docker_archive


@case
def a_layer_that_no_engine_minds_stays(box):
    """dockerd looks at no owner and no ACL of the root directory, and at no ACL of a whiteout."""
    source, dest = box.path("in.tar"), box.path("out.tar")
    far = {ACL_ACCESS: acl({1000000: 7})}
    save_docker_archive(source, [Layer().root(uid=1000000, xattrs=far).file("a"), Layer().whiteout("a", xattrs=far), Layer().file("b", uid=1000000)])
    box.fix(source, "docker-archive:" + dest, "--for", "docker@20.10")
    old, new = contents.Image(source).layers, contents.Image(dest).layers
    equal([a == b for a, b in zip(old, new)], [True, True, False], "layers that stay")
    box.fits(dest, "--for", "docker@20.10")
