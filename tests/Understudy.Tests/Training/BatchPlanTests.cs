using Understudy.Training;

namespace Understudy.Tests.Training;

public sealed class BatchPlanTests
{
    private static readonly int[] Lengths = [.. Enumerable.Range(0, 103).Select(i => 3 + (i * 37 % 29))];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Every_row_is_in_an_epoch_once(bool grouped)
    {
        var plan = new BatchPlan(Lengths, new TrainingOptions { BatchSize = 8, GroupByLength = grouped, GradientAccumulationSteps = 3 }, 7);
        for (var epoch = 0; epoch < 3; epoch++)
        {
            Assert.Equal(Enumerable.Range(0, Lengths.Length), plan.Epoch(epoch).SelectMany(step => step).SelectMany(rows => rows).Order());
        }

        Assert.NotEqual(plan.Epoch(0)[0][0], plan.Epoch(1)[0][0]);
    }

    [Fact]
    public void A_token_budget_holds_with_padding()
    {
        var plan = new BatchPlan(Lengths, new TrainingOptions { BatchSize = 64, MaxTokensPerBatch = 100 }, 7);
        var batches = plan.Epoch(0).SelectMany(step => step).ToList();
        Assert.All(batches, rows => Assert.True(rows.Length * rows.Max(row => Lengths[row]) <= 100));
        Assert.Contains(batches, rows => rows.Length > 5);
    }

    [Fact]
    public void A_row_over_the_budget_is_a_batch_of_its_own()
    {
        var plan = new BatchPlan([5, 500, 5], new TrainingOptions { BatchSize = 8, MaxTokensPerBatch = 20, GroupByLength = false }, 7);
        Assert.Contains(plan.Epoch(0).SelectMany(step => step), rows => rows is [1]);
    }

    [Fact]
    public void Grouping_saves_padding_and_the_same_seed_gives_the_same_plan()
    {
        var options = new TrainingOptions { BatchSize = 8 };
        Assert.True(Padding(new BatchPlan(Lengths, options, 7)) * 3 < Padding(new BatchPlan(Lengths, options with { GroupByLength = false }, 7)));
        Assert.Equal(new BatchPlan(Lengths, options, 7).Epoch(4), new BatchPlan(Lengths, options, 7).Epoch(4));
    }

    [Fact]
    public void Steps_go_on_from_where_a_training_stands_into_the_next_epoch()
    {
        var plan = new BatchPlan(Lengths, new TrainingOptions { BatchSize = 8, GradientAccumulationSteps = 3 }, 7);
        var steps = plan.StepsFrom(new TrainingProgress { Step = 8, Epoch = 1, StepInEpoch = 3 }).Take(4).ToList();
        Assert.Equal([plan.Epoch(1)[3], plan.Epoch(1)[4], plan.Epoch(2)[0], plan.Epoch(2)[1]], steps.Select(step => step.Batches));
        Assert.All(steps, step => Assert.Equal(5, step.StepsInEpoch));
    }

    [Fact]
    public void More_steps_than_can_be_counted_are_as_many_as_can_be() =>
        Assert.Equal(int.MaxValue, new BatchPlan(Lengths, new TrainingOptions { Epochs = int.MaxValue, BatchSize = 8 }, 7).TotalSteps());

    [Theory]
    [InlineData(null, 2 * 13)]
    [InlineData(5, 5)]
    public void The_number_of_steps_is_that_of_the_epochs_or_the_limit(int? maxSteps, int expected) =>
        Assert.Equal(expected, new BatchPlan(Lengths, new TrainingOptions { Epochs = 2, BatchSize = 8, MaxSteps = maxSteps }, 7).TotalSteps());

    private static int Padding(BatchPlan plan) =>
        plan.Epoch(0).SelectMany(step => step).Sum(rows => (rows.Length * rows.Max(row => Lengths[row])) - rows.Sum(row => Lengths[row]));
}
