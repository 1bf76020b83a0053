using Understudy.Torch;

namespace Understudy.Tests.Binding;

public sealed class DisposeScopeTests
{
    private const string WrongPlace = "A dispose scope must be disposed on the thread that opened it, after every scope inside it. Use 'using var scope = torch.NewDisposeScope();' and do not await inside it.";
    private const string Freed = "[disposed tensor]";

    [Fact]
    public void A_scope_frees_what_was_created_in_it_and_nothing_else()
    {
        using var before = torch.zeros([2]);
        Tensor inside;
        using (var scope = torch.NewDisposeScope())
        {
            inside = torch.zeros([2]);
            Assert.Equal(1, scope.DisposablesCount);
        }

        Assert.Equal(Freed, inside.ToString());
        Assert.Equal([0f, 0f], before.ToArray<float>());
    }

    [Fact]
    public void A_tensor_moved_out_belongs_to_the_next_scope_and_then_to_nobody()
    {
        using var outer = torch.NewDisposeScope();
        Tensor moved, free;
        using (var inner = torch.NewDisposeScope())
        {
            moved = inner.MoveToOuter(torch.ones([1]));
            free = torch.ones([1]).MoveToOuterDisposeScope().MoveToOuterDisposeScope();
        }

        Assert.Equal(1, outer.DisposablesCount);
        outer.Dispose();
        Assert.Equal(Freed, moved.ToString());
        Assert.Equal(1f, free.item<float>());
        free.Dispose();
    }

    [Fact]
    public void Several_tensors_can_be_moved_out_at_once()
    {
        using var outer = torch.NewDisposeScope();
        Tensor[] moved;
        using (var inner = torch.NewDisposeScope())
        {
            moved = [torch.ones([1]), torch.zeros([1])];
            inner.MoveToOuter(moved);
            Assert.Equal(0, inner.DisposablesCount);
        }

        Assert.Equal([1f, 0f], moved.Select(tensor => tensor.item<float>()));
    }

    [Fact]
    public void A_detached_tensor_outlives_every_scope()
    {
        Tensor kept;
        using (torch.NewDisposeScope())
        using (torch.NewDisposeScope())
        {
            kept = DisposeScope.Detach(torch.ones([1]));
        }

        Assert.Equal(1f, kept.item<float>());
        kept.Dispose();
    }

    [Fact]
    public void A_tensor_freed_early_leaves_its_scope()
    {
        using var scope = torch.NewDisposeScope();
        var all = Enumerable.Range(0, 5).Select(i => torch.full([1], i)).ToArray();
        all[1].Dispose();
        all[4].Dispose();
        all[4].Dispose();
        Assert.Equal(3, scope.DisposablesCount);
        Assert.Equal([0f, 2f, 3f], new[] { all[0], all[2], all[3] }.Select(tensor => tensor.item<float>()));
    }

    [Fact]
    public void An_outer_scope_cannot_end_before_an_inner_one()
    {
        using var outer = torch.NewDisposeScope();
        using (torch.NewDisposeScope())
        {
            Assert.Equal(WrongPlace, Assert.Throws<InvalidOperationException>(outer.Dispose).Message);
        }

        var tensor = torch.ones([1]);
        outer.Dispose();
        outer.Dispose();
        Assert.Equal(Freed, tensor.ToString());
    }

    [Fact]
    public void A_scope_ends_on_the_thread_that_opened_it()
    {
        using var scope = torch.NewDisposeScope();
        Exception? thrown = null;
        var elsewhere = new Thread(() =>
        {
            // Another thread has scopes of its own.
            using var other = torch.ones([1]);
            thrown = Record.Exception(scope.Dispose);
        });
        elsewhere.Start();
        elsewhere.Join();
        Assert.Equal(WrongPlace, Assert.IsType<InvalidOperationException>(thrown).Message);
        Assert.Equal(0, scope.DisposablesCount);
    }
}
