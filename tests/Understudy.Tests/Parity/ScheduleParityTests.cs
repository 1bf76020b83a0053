using Understudy.Parity;

namespace Understudy.Tests.Parity;

public sealed class ScheduleParityTests
{
    [Fact]
    public void Every_schedule_equals_the_reference()
    {
        var checks = ScheduleParity.Run("Fixtures/schedules");
        Assert.Equal(
            ["schedule.linear", "schedule.cosine", "schedule.constant", "schedule.constant_with_warmup", "schedule.inverse_sqrt", "schedule.polynomial"],
            checks.Select(check => check.Name));
        Assert.All(checks, check => Assert.Equal((ParityVerdict.Passed, "32 steps"), (check.Verdict, check.Note)));
    }

    [Theory]
    [InlineData("""{"linear":{"learning_rate":0.5,"warmup_steps":0,"total_steps":2,"values":[0.5,0.250000002]}}""", ParityVerdict.Failed, "2 steps")]
    [InlineData("""{"reduce_on_plateau":{"values":[]}}""", ParityVerdict.Skipped, "There is no schedule 'reduce_on_plateau' here.")]
    [InlineData("""{"cosine":{"learning_rate":0.5,"warmup_steps":0,"total_steps":2,"num_cycles":2,"values":[0.5]}}""", ParityVerdict.Skipped, "The setting 'num_cycles' is not known here.")]
    public void Fails_on_a_difference_and_skips_what_it_does_not_know(string json, ParityVerdict verdict, string note)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["schedules.json"], json);
        var check = Assert.Single(ScheduleParity.Run(folder["schedules.json"]));
        Assert.Equal((verdict, note), (check.Verdict, check.Note));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{\"linear\":{}}")]
    [InlineData("{\"linear\":")]
    [InlineData("{\"linear\":{\"learning_rate\":\"x\",\"warmup_steps\":0,\"total_steps\":2,\"values\":[1]}}")]
    [InlineData("{\"linear\":{\"learning_rate\":1,\"warmup_steps\":0.5,\"total_steps\":2,\"values\":[1]}}")]
    public void Names_the_file_that_is_no_reference(string json)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["schedules.json"], json);
        var error = Assert.Throws<InvalidDataException>(() => ScheduleParity.Run(folder.FullName));
        Assert.StartsWith($"{folder["schedules.json"]}: not a reference of the expected format: ", error.Message);
    }
}
