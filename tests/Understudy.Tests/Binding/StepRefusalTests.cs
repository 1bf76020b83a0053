using Understudy.Torch;

namespace Understudy.Tests.Binding;

/// <summary>What a step refuses, before it reads or writes anything.</summary>
public sealed class StepRefusalTests
{
    [Fact]
    public void A_token_a_position_a_type_and_a_page_must_exist()
    {
        using var scope = torch.NewDisposeScope();
        using var pages = new PagedCache(1, 1, 4, ScalarType.Float32);
        pages.Reserve(1);
        using var step = new InferenceStep(ScalarType.Float32);
        var x = step.Buffer(12, ScalarType.Float32);
        step.Embed(x, torch.zeros([10, 12]));
        step.Embed(x, torch.zeros([20, 12]), StepLookup.Positions, 2, add: true);
        step.Embed(x, torch.zeros([2, 12]), StepLookup.Types, add: true);
        step.Heads(x, step.Buffer(4, ScalarType.Float32), new HeadLayout { Heads = 1, KeyHeads = 1, Dim = 4, QueryAt = 0, KeyAt = 4, ValueAt = 8 }, pages);
        Refused(step, "token 10 is out of range: the table has 10 rows", batch => batch.Add([1, 10], 0, [0]));
        Refused(step, "token -1 is out of range", batch => batch.Add([-1], 0, [0]));
        Refused(step, "position 18 is out of range: the table has 20 rows", batch => batch.Add([1], 18, [0, 0]));
        Refused(step, "token type 2 is out of range: the table has 2 rows", batch => batch.Add([1, 1], 0, [0], tokenTypes: [0, 2]));
        Refused(step, "page -1 is none of", batch => batch.Add([1], 0, [-1]));
        Refused(step, "page 1000000 is none of", batch => batch.Add([1], 0, [1_000_000]));
        Refused(step, "selected token 1 is none of 1", batch => batch.Select(batch.Add([1], 0, [0]) + 1));
    }

    [Fact]
    public void A_source_must_have_as_many_tokens_as_are_written_of_it()
    {
        using var scope = torch.NewDisposeScope();
        using var pages = new PagedCache(1, 1, 4, ScalarType.Float32);
        pages.Reserve(1);
        using var step = new InferenceStep(ScalarType.Float32);
        var x = step.Buffer(8, ScalarType.Float32);
        step.Embed(x, torch.zeros([10, 8]));
        step.Heads(x, -1, new HeadLayout { Heads = 1, KeyHeads = 1, Dim = 4, KeyAt = 0, ValueAt = 4, OfSource = 1 }, pages);
        Refused(step, "row 0 has 3 tokens for a source of 2", batch => batch.Add([1, 2, 3], 0, [0], 2, [0]));
    }

    [Fact]
    public void Rows_need_tokens_and_pages_and_types_for_all_of_them()
    {
        var batch = new StepBatch();
        Assert.StartsWith("Expected at least one token, found none.", Assert.Throws<ArgumentException>(() => batch.Add([], 0, [])).Message, StringComparison.Ordinal);
        Assert.StartsWith("Expected 2 pages for 17 tokens, found 1.", Assert.Throws<ArgumentException>(() => batch.Add([1], 16, [0])).Message, StringComparison.Ordinal);
        Assert.StartsWith("Expected 2 pages for a source of 17 tokens, found 1.", Assert.Throws<ArgumentException>(() => batch.Add([1], 0, [0], 17, [0])).Message, StringComparison.Ordinal);
        Assert.StartsWith("Expected a type for each of 2 tokens, found 1.", Assert.Throws<ArgumentException>(() => batch.Add([1, 1], 0, [0], tokenTypes: [1])).Message, StringComparison.Ordinal);
        Assert.StartsWith("Node 1 has the parent 1", Assert.Throws<ArgumentException>(() => batch.AddTree([1, 1], [-1, 1], 0, [0])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_matrix_must_be_packed_for_the_step_s_type_and_fit_its_buffers()
    {
        using var scope = torch.NewDisposeScope();
        using var wide = PackedMatrix.Pack(torch.zeros([70, 65]), null, ScalarType.Float32);
        using var step = new InferenceStep(ScalarType.BFloat16);
        var (narrow, small, target) = (step.Buffer(65, ScalarType.BFloat16), step.Buffer(64, ScalarType.BFloat16), step.Buffer(64, ScalarType.Float32));
        Assert.Contains("a step in bfloat16 cannot multiply with a matrix packed for the other type", Assert.Throws<TorchException>(() => step.Linear(narrow, target, wide)).Message, StringComparison.Ordinal);
        using var fitting = PackedMatrix.Pack(torch.zeros([70, 65]), null, ScalarType.BFloat16);
        Assert.Contains("of width 64, expected bfloat16 of at least 65", Assert.Throws<TorchException>(() => step.Linear(small, target, fitting)).Message, StringComparison.Ordinal);
        Assert.Contains("cannot take 70 outputs", Assert.Throws<TorchException>(() => step.Linear(narrow, target, fitting)).Message, StringComparison.Ordinal);
        Assert.Throws<TorchException>(() => PackedMatrix.Pack(torch.zeros([3, 4]), torch.zeros([4]), ScalarType.Float32));
        Assert.Throws<TorchException>(() => step.Linear(99, target, fitting));
    }

    private static void Refused(InferenceStep step, string expected, Action<StepBatch> add)
    {
        using var scope = torch.NewDisposeScope();
        var batch = new StepBatch();
        add(batch);
        Assert.Contains(expected, Assert.Throws<TorchException>(() => step.Run(batch, torch.zeros([4, 4]))).Message, StringComparison.Ordinal);
    }
}
