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

    [Fact]
    public void The_output_must_hold_what_is_written_to_it()
    {
        using var scope = torch.NewDisposeScope();
        using var identity = StepProductTests.Identity(6, ScalarType.Float32);
        foreach (var isMean in new[] { false, true })
        {
            using var step = new InferenceStep(ScalarType.Float32);
            var x = step.Buffer(6, ScalarType.Float32);
            step.Embed(x, torch.ones([10, 6]));
            if (isMean)
            {
                step.Mean(x, -1, 6, unit: false);
            }
            else
            {
                var selected = step.Buffer(6, ScalarType.Float32, selected: true);
                step.Select(x, selected);
                step.Linear(selected, -1, identity);
            }

            var batch = StepNumbers.Whole(3);
            void Run(Tensor? output) => step.Run(batch, output);
            Assert.Contains("expected room for 6 numbers of each selected token, found 5", Assert.Throws<TorchException>(() => Run(torch.zeros([3, 5]))).Message, StringComparison.Ordinal);
            Assert.Contains("expected room for 6 numbers of each selected token, found 0", Assert.Throws<TorchException>(() => Run(null)).Message, StringComparison.Ordinal);
            Assert.Contains("expected room for 3 rows of output", Assert.Throws<TorchException>(() => Run(torch.zeros([2, 6]))).Message, StringComparison.Ordinal);
            var output = torch.zeros([4, 7]);
            Run(output);
            Assert.Equal([.. Enumerable.Range(0, 28).Select(i => i < 21 && i % 7 < 6 ? 1f : 0f)], output.ToArray<float>());
            batch.Clear();
            batch.Add([1], 0, StepNumbers.NoPages);
            Run(null);
        }
    }

    [Fact]
    public void A_buffer_of_selected_tokens_does_not_take_those_of_all()
    {
        using var scope = torch.NewDisposeScope();
        using var pages = new PagedCache(1, 1, 4, ScalarType.Float32);
        using var step = new InferenceStep(ScalarType.Float32);
        var (all, selected) = (step.Buffer(12, ScalarType.Float32), step.Buffer(12, ScalarType.Float32, selected: true));
        var layout = new HeadLayout { Heads = 1, KeyHeads = 1, Dim = 4, QueryAt = 0, KeyAt = 4, ValueAt = 8 };
        using var identity = StepProductTests.Identity(12, ScalarType.Float32);
        var (few, every) = ("has a row for every selected token, expected one for every token", "has a row for every token, expected one for every selected token");
        void Refuses(string expected, Action write) => Assert.Contains(expected, Assert.Throws<TorchException>(write).Message, StringComparison.Ordinal);
        Refuses(few, () => step.Embed(selected, torch.zeros([10, 12])));
        Refuses(few, () => step.Normalize(all, selected, -1, torch.ones([12]), null, 1e-5, rootMeanSquare: true));
        Refuses(every, () => step.Normalize(selected, all, -1, torch.ones([12]), null, 1e-5, rootMeanSquare: true));
        Refuses(few, () => step.Normalize(all, -1, step.Buffer(12, ScalarType.BFloat16, selected: true), torch.ones([12]), null, 1e-5, rootMeanSquare: true));
        Refuses(few, () => step.Linear(all, selected, identity));
        Refuses(every, () => step.Linear(selected, step.Buffer(12, ScalarType.Float32, selected: true), identity, beside: all));
        Refuses(few, () => step.Gate(all, selected, 0, 6, 6, StepActivation.Silu));
        Refuses(few, () => step.Heads(selected, all, layout, pages));
        Refuses(few, () => step.Heads(all, selected, layout, pages));
        Refuses(few, () => step.Attend(selected, all, layout, pages, StepSees.Before, 1));
        Refuses(few, () => step.Attend(all, selected, layout, pages, StepSees.Before, 1));
        Refuses(few, () => step.Select(selected, selected));
        Refuses(every, () => step.Select(all, all));
        Refuses(few, () => step.Mean(selected, selected, 12, unit: false));
        Refuses(every, () => step.Mean(all, all, 12, unit: false));
    }

    [Fact]
    public void Heads_lie_within_their_row_and_are_turned_by_two_tables()
    {
        using var scope = torch.NewDisposeScope();
        using var pages = new PagedCache(1, 2, 4, ScalarType.Float32);
        using var step = new InferenceStep(ScalarType.Float32);
        var x = step.Buffer(64, ScalarType.Float32);
        var layout = new HeadLayout { Heads = 2, KeyHeads = 2, Dim = 4, QueryAt = 0, KeyAt = 8, ValueAt = 16, QueryStep = 4, KeyStep = 4, ValueStep = 4 };
        Assert.Contains("expected heads that follow each other", Assert.Throws<TorchException>(() => step.Heads(x, x, layout with { QueryStep = -100 }, pages)).Message, StringComparison.Ordinal);
        Assert.Contains("expected float32 of at least 68", Assert.Throws<TorchException>(() => step.Heads(x, x, layout with { ValueStep = 48 }, pages)).Message, StringComparison.Ordinal);
        Assert.Contains("cosines and sines come together", Assert.Throws<TorchException>(() => step.Heads(x, x, layout, pages, cosine: torch.ones([10, 4]))).Message, StringComparison.Ordinal);
        // The last vector would reach beyond the row.
        Assert.Contains("expected float32 of at least 65", Assert.Throws<TorchException>(() => step.Gate(x, step.Buffer(60, ScalarType.Float32), 0, 49, 1, StepActivation.Silu)).Message, StringComparison.Ordinal);
    }

    /// <summary>Pages are looked at once for a cache, whichever layer is the first to take them, and whether it writes or reads.</summary>
    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(false, true)]
    public void Pages_of_any_layer_must_exist(bool isWritten, bool ofSource)
    {
        using var scope = torch.NewDisposeScope();
        using var pages = new PagedCache(2, 1, 4, ScalarType.Float32);
        pages.Reserve(1);
        using var step = new InferenceStep(ScalarType.Float32);
        var x = step.Buffer(12, ScalarType.Float32);
        step.Embed(x, torch.zeros([10, 12]));
        var layout = new HeadLayout { Heads = 1, KeyHeads = 1, Dim = 4, QueryAt = 0, KeyAt = 4, ValueAt = 8, Layer = 1 };
        var query = step.Buffer(4, ScalarType.Float32);
        if (isWritten) step.Heads(x, query, layout, pages);
        else step.Attend(query, step.Buffer(4, ScalarType.Float32), layout, pages, ofSource ? StepSees.Source : StepSees.All, 1);
        Refused(step, "page 1000000 is none of", batch => batch.Add([1], 0, [ofSource ? 0 : 1_000_000], 1, [ofSource ? 1_000_000 : 0]));
        Refused(step, "page -1 is none of", batch => batch.Add([1], 16, [0, ofSource ? 0 : -1], 17, [0, ofSource ? -1 : 0]));
    }

    [Fact]
    public void Other_types_than_float32_and_bfloat16_have_no_step()
    {
        using var scope = torch.NewDisposeScope();
        using var step = new InferenceStep(ScalarType.Float32);
        Assert.StartsWith("Expected float32 or bfloat16, found Float16.", Assert.Throws<ArgumentException>(() => new InferenceStep(ScalarType.Float16)).Message, StringComparison.Ordinal);
        Assert.StartsWith("Expected float32 or bfloat16, found Float16.", Assert.Throws<ArgumentException>(() => step.Buffer(4, ScalarType.Float16)).Message, StringComparison.Ordinal);
        Assert.StartsWith("Expected float32 or bfloat16, found Float16.", Assert.Throws<ArgumentException>(() => new PagedCache(1, 1, 4, ScalarType.Float16)).Message, StringComparison.Ordinal);
        Assert.StartsWith("Expected float32 or bfloat16, found Float16.", Assert.Throws<ArgumentException>(() => PackedMatrix.Pack(torch.zeros([3, 4]), null, ScalarType.Float16)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new StepBatch().Add([1], -1, [0]));
        Assert.StartsWith("Expected 134217728 pages for 2147483648 tokens, found 1.", Assert.Throws<ArgumentException>(() => new StepBatch().Add([1], int.MaxValue, [0])).Message, StringComparison.Ordinal);
    }

    private static void Refused(InferenceStep step, string expected, Action<StepBatch> add)
    {
        using var scope = torch.NewDisposeScope();
        var batch = new StepBatch();
        add(batch);
        Assert.Contains(expected, Assert.Throws<TorchException>(() => step.Run(batch, torch.zeros([4, 4]))).Message, StringComparison.Ordinal);
    }
}
