using Understudy.Training;

namespace Understudy.Tests.Training;

public sealed class LearningRateScheduleTests
{
    [Theory]
    [InlineData(null, 0.1, 101, 11)]
    [InlineData(null, 0.0, 101, 0)]
    [InlineData(7, 0.5, 101, 7)]
    [InlineData(0, 0.5, 101, 0)]
    public void Warm_up_steps_override_a_ratio_that_is_rounded_up(int? steps, double ratio, int total, int expected)
    {
        var schedule = LearningRateSchedule.From(new TrainingOptions { WarmupSteps = steps, WarmupRatio = ratio }, total);
        Assert.Equal(expected, schedule.WarmupSteps);
    }

    [Theory]
    [InlineData(ScheduleType.Linear)]
    [InlineData(ScheduleType.Cosine)]
    [InlineData(ScheduleType.Constant)]
    [InlineData(ScheduleType.ConstantWithWarmup)]
    [InlineData(ScheduleType.InverseSqrt)]
    [InlineData(ScheduleType.Polynomial)]
    public void Every_schedule_is_finite_between_zero_and_its_peak_whatever_the_warm_up(ScheduleType type)
    {
        foreach (var (warmup, total) in new[] { (0, 1), (1, 1), (5, 3), (3, 10), (10, 10), (0, 10) })
        {
            var schedule = new LearningRateSchedule(type, 0.3, warmup, total);
            for (var step = 0.0; step <= total + 2; step += 0.25) Assert.InRange(schedule.At(step), 0, 0.3 + 1e-12);
            if (type != ScheduleType.InverseSqrt && warmup < total) Assert.Equal(0.3, schedule.At(warmup), 1e-12);
        }
    }

    [Fact]
    public void Inverse_square_root_without_warm_up_falls_over_ten_thousand_steps()
    {
        // transformers: timescale = 10000 when there is no warm-up, so step 30000 is sqrt(1 / 4) of the peak.
        Assert.Equal(0.5, new LearningRateSchedule(ScheduleType.InverseSqrt, 1, 0, 100).At(30_000), 1e-12);
    }

    [Fact]
    public void Warm_up_stable_decay_stays_at_its_peak_and_falls_along_half_a_cosine()
    {
        var schedule = LearningRateSchedule.From(new TrainingOptions { Schedule = ScheduleType.WarmupStableDecay, LearningRate = 0.4, WarmupSteps = 10, DecayRatio = 0.25 }, 80);
        Assert.Equal(20, schedule.DecaySteps);
        Assert.Equal([0, 0.2, 0.4, 0.4, 0.4], new[] { 0, 5, 10, 40, 60 }.Select(step => Math.Round(schedule.At(step), 12)));
        Assert.Equal(0.4 * 0.5 * (1 + Math.Cos(Math.PI / 4)), schedule.At(65), 12);
        Assert.Equal(0.2, schedule.At(70), 12);
        Assert.Equal(0, schedule.At(80), 12);
        Assert.Equal(0, schedule.At(90), 12);
        // Without a decay it never falls; a decay of all steps is a cosine after the warm-up's end.
        Assert.Equal(0.4, new LearningRateSchedule(ScheduleType.WarmupStableDecay, 0.4, 10, 80, 0).At(79.5), 12);
        Assert.Equal(0.2, new LearningRateSchedule(ScheduleType.WarmupStableDecay, 0.4, 10, 80, 80).At(40), 12);
    }

    [Fact]
    public void Refuses_values_out_of_range()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new LearningRateSchedule(ScheduleType.Linear, 0, 0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LearningRateSchedule(ScheduleType.Linear, double.NaN, 0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LearningRateSchedule(ScheduleType.Polynomial, 1e-7, 0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LearningRateSchedule(ScheduleType.Linear, 1, -1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LearningRateSchedule(ScheduleType.WarmupStableDecay, 1, 0, 1, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LearningRateSchedule(ScheduleType.Linear, 1, 0, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LearningRateSchedule(ScheduleType.Linear, 1, 0, 1).At(-1));
    }
}
