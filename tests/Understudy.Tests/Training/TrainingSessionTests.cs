using Understudy.Models;
using Understudy.Tests.Models;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Tests.Training;

[Collection(LiveTensors.Name)]
public sealed class TrainingSessionTests
{
    private static readonly int[][] Rows = [.. Enumerable.Range(0, 24).Select(i => Enumerable.Range(0, 4 + (i % 5)).Select(t => 2 + (((i * 7) + (t * 3)) % 38)).ToArray())];
    private static readonly long[] Classes = [.. Enumerable.Range(0, 24).Select(i => (long)(i % 3))];

    [Theory]
    [InlineData(OptimizerType.AdamW)]
    [InlineData(OptimizerType.Muon)]
    public void A_continued_training_takes_exactly_the_steps_of_an_undisturbed_one(OptimizerType optimizer)
    {
        // Dropout is on, the stop is in the middle of the second epoch, and the checkpoint is two steps older than the stop.
        var options = new TrainingOptions { Epochs = 4, BatchSize = 4, LearningRate = 1e-2, WarmupRatio = 0.2, Dropout = 0.2, SaveEvery = 3, KeepBest = false, Optimizer = optimizer };
        using var whole = new TemporaryFolder();
        using var stopped = new TemporaryFolder();
        var undisturbed = Train(options, whole.FullName, int.MaxValue);
        var first = Train(options, stopped.FullName, 11);
        var second = Train(options, stopped.FullName, int.MaxValue);
        Assert.Equal(24, undisturbed.Losses.Count);
        Assert.Equal(undisturbed.Losses.Take(11), first.Losses);
        Assert.Equal(undisturbed.Losses.Skip(9), second.Losses);
        Assert.Equal(undisturbed.Weights, second.Weights);
    }

    [Fact]
    public void Accumulated_micro_batches_have_the_gradient_of_the_whole_batch()
    {
        // The last micro-batch is smaller, and the rows differ in length.
        var whole = Train(new TrainingOptions { Epochs = 1, BatchSize = 10, Dropout = 0, GroupByLength = false, KeepBest = false }, null, 1);
        var parts = Train(new TrainingOptions { Epochs = 1, BatchSize = 2, GradientAccumulationSteps = 5, Dropout = 0, GroupByLength = false, KeepBest = false }, null, 1);
        Assert.Equal(whole.Losses[0], parts.Losses[0], 5);
        Assert.Equal(whole.Norms[0], parts.Norms[0], 4);
    }

    [Fact]
    public void Accumulated_language_model_batches_have_the_loss_of_the_whole_batch()
    {
        using var scope = torch.NewDisposeScope();
        using var model = Understudy.Tests.Generation.TinyModel.New();
        var (ids, mask) = TokenRows.Pad(Rows[..5], 0);
        var labels = torch.where(mask!.eq(0), torch.full(ids.shape, Losses.IgnoreIndex, ScalarType.Int64), ids);
        var whole = Losses.NextTokenSum(model.Logits(model.Hidden(ids, mask)), labels).item<double>() / Losses.NextTokenWeight(labels);
        var parts = 0.0;
        foreach (var row in Rows[..5])
        {
            var (one, _) = TokenRows.Pad([row], 0);
            parts += Losses.NextTokenSum(model.Logits(model.Hidden(one)), one).item<double>() / Losses.NextTokenWeight(labels);
        }

        Assert.Equal(whole, parts, 5);
    }

    [Fact]
    public void A_loss_that_is_not_a_number_stops_before_the_weights_change()
    {
        using var model = TinyClassifier.New();
        using var session = new TrainingSession(model, new TrainingOptions { LearningRate = 0.5 }, 10, 1, null);
        var before = model.Parameters[0].Value.ToArray<float>();
        session.BeginStep();
        var error = Assert.Throws<TrainingDivergedException>(() => session.EndStep(double.NaN, 5, 10));
        Assert.Equal("The loss is NaN at step 1 (learning rate 0.5), so training was stopped before the weights were changed. Try a lower learning_rate, a longer warm-up (warmup_ratio: 0.1), a smaller max_grad_norm, or precision: fp32. The last checkpoint is kept.", error.Message);
        Assert.Equal(before, model.Parameters[0].Value.ToArray<float>());
    }

    [Fact]
    public void The_best_model_is_kept_and_a_training_that_gets_no_better_ends()
    {
        using var folder = new TemporaryFolder();
        using var model = TinyClassifier.New();
        using var session = new TrainingSession(model, new TrainingOptions { MaxSteps = 10, EarlyStoppingPatience = 2, LearningRate = 0.1 }, 10, 1, folder.FullName);
        var scores = new Queue<double>([0.3, 0.6, 0.5, 0.4]);
        var best = Array.Empty<float>();
        while (!session.Finished)
        {
            TakeStep(session, model, [0, 1], 5, 2);
            if (session.Evaluated(scores.Dequeue()))
            {
                best = model.Parameters[0].Value.ToArray<float>();
            }
        }

        Assert.Equal(4, session.Progress.Step);
        Assert.Equal(2, session.Progress.BestStep);
        Assert.NotEqual(best, model.Parameters[0].Value.ToArray<float>());
        session.Complete();
        Assert.Equal(best, model.Parameters[0].Value.ToArray<float>());
    }

    [Fact]
    public void A_checkpoint_of_another_model_is_refused()
    {
        using var folder = new TemporaryFolder();
        using (var model = TinyClassifier.New(labels: 3))
        using (var session = new TrainingSession(model, new TrainingOptions(), 10, 1, folder.FullName))
        {
            session.Save();
        }

        using var other = TinyClassifier.New(labels: 4);
        var error = Assert.Throws<InvalidDataException>(() => new TrainingSession(other, new TrainingOptions(), 10, 1, folder.FullName));
        Assert.Equal($"{folder["checkpoint.safetensors"]} does not fit the model: 'classifier.out_proj.weight' is missing or has another shape. It belongs to another configuration; remove it to start the stage again.", error.Message);
    }

    [Fact]
    public void A_checkpoint_cut_anywhere_is_refused()
    {
        using var folder = new TemporaryFolder();
        using var model = TinyClassifier.New();
        using (var session = new TrainingSession(model, new TrainingOptions(), 10, 1, folder.FullName))
        {
            session.Save();
        }

        var path = folder["checkpoint.safetensors"];
        var bytes = File.ReadAllBytes(path);
        int[] lengths = [0, 1, 7, 8, 9, .. Enumerable.Range(1, 40).Select(i => bytes.Length * i / 41), bytes.Length - 1];
        foreach (var length in lengths)
        {
            File.WriteAllBytes(path, bytes[..length]);
            var error = Assert.Throws<InvalidDataException>(() => new TrainingSession(model, new TrainingOptions(), 10, 1, folder.FullName));
            Assert.Equal($"{path}: the file is missing, damaged or cut short. To start the stage again, remove both 'checkpoint.safetensors' and 'best.safetensors' from its folder.", error.Message);
        }
    }

    [Fact]
    public void The_best_model_is_not_silently_replaced_by_the_last_one()
    {
        using var folder = new TemporaryFolder();
        using var model = TinyClassifier.New();
        using var session = new TrainingSession(model, new TrainingOptions { MaxSteps = 2 }, 2, 1, folder.FullName);
        TakeStep(session, model, [0, 1], 2, 2);
        session.Evaluated(0.9);
        TakeStep(session, model, [0, 1], 2, 2);
        session.Evaluated(0.1);
        File.Delete(folder["best.safetensors"]);
        Assert.Equal($"{folder["best.safetensors"]}: the file is missing, damaged or cut short. To start the stage again, remove both 'checkpoint.safetensors' and 'best.safetensors' from its folder.",
            Assert.Throws<InvalidDataException>(session.Complete).Message);
    }

    [Fact]
    public void A_checkpoint_is_due_by_the_clock_and_by_the_step()
    {
        using var folder = new TemporaryFolder();
        using var model = TinyClassifier.New();
        using var session = new TrainingSession(model, new TrainingOptions { MaxSteps = 10, SaveEveryMinutes = 0.5 / 60 }, 10, 1, folder.FullName);
        TakeStep(session, model, [0, 1], 2, 1);
        // The end of an epoch is no reason any more.
        Assert.False(session.TimeToSave);
        Thread.Sleep(600);
        Assert.True(session.TimeToSave);
        session.Save();
        Assert.False(session.TimeToSave);
        using var both = new TrainingSession(model, new TrainingOptions { MaxSteps = 10, SaveEveryMinutes = 60, SaveEvery = 2 }, 10, 1, null);
        TakeStep(both, model, [0, 1], 2, 5);
        Assert.False(both.TimeToSave);
        TakeStep(both, model, [0, 1], 2, 5);
        Assert.True(both.TimeToSave);
    }

    [Theory]
    [InlineData(OptimizerType.AdamW)]
    [InlineData(OptimizerType.Muon)]
    public void A_step_leaves_no_tensor_behind(OptimizerType optimizer)
    {
        using var model = TinyClassifier.New();
        using var session = new TrainingSession(model, new TrainingOptions { Precision = PrecisionMode.Bf16, Optimizer = optimizer }, 10, 1, null);
        Assert.Equal(0, LiveTensors.Left(() => TakeStep(session, model, [0, 1, 2], 3, 3)));
    }

    private static (List<double> Losses, List<double> Norms, float[] Weights) Train(TrainingOptions options, string? folder, int stopAfter)
    {
        using var model = TinyClassifier.New();
        var plan = new BatchPlan([.. Rows.Select(row => row.Length)], options, 3);
        using var session = new TrainingSession(model, options, plan.TotalSteps(), 3, folder);
        var (losses, norms) = (new List<double>(), new List<double>());
        while (!session.Finished && session.Progress.Step < stopAfter)
        {
            var epoch = plan.Epoch(session.Progress.Epoch);
            for (var i = session.Progress.StepInEpoch; i < epoch.Count && session.Progress.Step < stopAfter; i++)
            {
                using var scope = torch.NewDisposeScope();
                session.BeginStep();
                var loss = 0.0;
                var rows = epoch[i].Sum(micro => micro.Length);
                foreach (var micro in epoch[i])
                {
                    loss += Backward(session, model, micro, rows);
                }

                norms.Add(session.EndStep(loss, rows, epoch.Count).GradNorm);
                losses.Add(loss);
                if (session.TimeToSave)
                {
                    session.Save();
                }
            }
        }

        return (losses, norms, [.. model.Parameters.SelectMany(parameter => parameter.Value.ToArray<float>())]);
    }

    private static void TakeStep(TrainingSession session, ISequenceClassifier model, int[] rows, int total, int steps)
    {
        using var scope = torch.NewDisposeScope();
        session.BeginStep();
        session.EndStep(Backward(session, model, rows, total), rows.Length, steps);
    }

    private static double Backward(TrainingSession session, ISequenceClassifier model, int[] rows, int total)
    {
        using var scope = torch.NewDisposeScope();
        var (ids, mask) = TokenRows.Pad([.. rows.Select(row => Rows[row])], 1);
        Tensor logits;
        using (session.Autocast())
        {
            logits = model.Forward(ids, mask);
        }

        var loss = Losses.ClassSum(logits, torch.tensor(rows.Select(row => Classes[row]).ToArray()), torch.ones([rows.Length])) / total;
        loss.backward();
        return loss.item<double>();
    }
}
