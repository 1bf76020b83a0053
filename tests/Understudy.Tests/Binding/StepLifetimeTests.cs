using Understudy.Torch;

namespace Understudy.Tests.Binding;

/// <summary>What a step points to stays as long as the step, whoever disposes it before.</summary>
[Collection(LiveTensors.Name)]
public sealed class StepLifetimeTests
{
    [Fact]
    public void A_step_runs_after_its_matrices_and_its_cache_were_disposed()
    {
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(11);
        var table = torch.randn([20, 48], numbers);
        var weight = torch.randn([32, 16], numbers);
        var step = new InferenceStep(ScalarType.Float32);
        var (pages, matrix) = Write(step, table, weight);
        var expected = StepNumbers.Run(step, Batch(), 32);
        pages.Dispose();
        matrix.Dispose();
        // What has their memory now, if they gave it back.
        using var otherPages = new PagedCache(1, 1, 16, ScalarType.Float32);
        otherPages.Reserve(2);
        using var otherMatrix = PackedMatrix.Pack(weight * 0, null, ScalarType.Float32);
        Assert.Equal(expected, StepNumbers.Run(step, Batch(), 32));
        Assert.False(pages.Handle.IsClosed || matrix.Handle.IsClosed);
        step.Dispose();
        Assert.True(pages.Handle.IsClosed && matrix.Handle.IsClosed);
        Assert.Throws<ObjectDisposedException>(() => pages.Reserve(3));
    }

    [Fact]
    public void A_step_that_is_disposed_first_leaves_them_to_their_owners()
    {
        using var scope = torch.NewDisposeScope();
        var step = new InferenceStep(ScalarType.Float32);
        var (pages, matrix) = Write(step, torch.zeros([20, 48]), torch.zeros([32, 16]));
        step.Dispose();
        step.Dispose();
        Assert.False(pages.Handle.IsClosed || matrix.Handle.IsClosed);
        pages.Reserve(3);
        pages.Dispose();
        matrix.Dispose();
        Assert.True(pages.Handle.IsClosed && matrix.Handle.IsClosed);
    }

    [Fact]
    public void What_is_disposed_cannot_become_part_of_a_step()
    {
        using var scope = torch.NewDisposeScope();
        using var step = new InferenceStep(ScalarType.Float32);
        var (pages, matrix) = (new PagedCache(1, 1, 16, ScalarType.Float32), PackedMatrix.Pack(torch.zeros([32, 16]), null, ScalarType.Float32));
        var (x, y) = (step.Buffer(48, ScalarType.Float32), step.Buffer(48, ScalarType.Float32));
        pages.Dispose();
        matrix.Dispose();
        Assert.Throws<ObjectDisposedException>(() => step.Linear(x, y, matrix));
        Assert.Throws<ObjectDisposedException>(() => step.Heads(x, y, Layout, pages));
        Assert.Throws<ObjectDisposedException>(() => step.Attend(x, y, Layout, pages, StepSees.Before, 1));
    }

    private static HeadLayout Layout => new() { Heads = 1, KeyHeads = 1, Dim = 16, QueryAt = 0, KeyAt = 16, ValueAt = 32 };

    private static (PagedCache Pages, PackedMatrix Matrix) Write(InferenceStep step, Tensor table, Tensor weight)
    {
        var pages = new PagedCache(1, 1, 16, ScalarType.Float32);
        pages.Reserve(2);
        var matrix = PackedMatrix.Pack(weight, null, ScalarType.Float32);
        var wide = step.Buffer(48, ScalarType.Float32);
        step.Embed(wide, table);
        var query = step.Buffer(16, ScalarType.Float32);
        step.Heads(wide, query, Layout, pages);
        var mixed = step.Buffer(16, ScalarType.Float32);
        step.Attend(query, mixed, Layout, pages, StepSees.Before, 0.25);
        var selected = step.Buffer(16, ScalarType.Float32, selected: true);
        step.Select(mixed, selected);
        step.Linear(selected, -1, matrix);
        return (pages, matrix);
    }

    private static StepBatch Batch()
    {
        var batch = new StepBatch();
        var first = batch.Add([.. Enumerable.Range(0, 20)], 0, [1, 0]);
        for (var i = 0; i < 20; i++) batch.Select(first + i);
        return batch;
    }
}
