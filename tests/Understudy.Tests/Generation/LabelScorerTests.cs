using Understudy.Data;
using Understudy.Generation;
using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Tests.Generation;

public sealed class LabelScorerTests : IDisposable
{
    private static readonly int[][] Labels = [[4, 5, 6, 0], [4, 5, 0], [4, 9, 0], [7, 0], [8], [4, 5, 6, 7, 8, 9, 0], [7, 1]];

    private readonly GptNeoxForCausalLM model = TinyModel.New();

    public void Dispose() => model.Dispose();

    [Fact]
    public void Every_label_scores_as_in_a_pass_of_its_own()
    {
        var prompts = Prompts(9, seed: 1);
        var scores = new LabelScorer(model, Labels).Score(prompts, batchSize: 4).ToList();
        Assert.Equal(Enumerable.Range(0, 9), scores.Select(score => score.Prompt).Order());
        foreach (var score in scores)
        {
            for (var label = 0; label < Labels.Length; label++)
            {
                var expected = Plain(prompts[score.Prompt], Labels[label]);
                Assert.Equal(expected.Sum(), score.LogProbabilities[label], 1e-4);
                Assert.Equal(expected, score.TokenLogProbabilities(label), (a, b) => Math.Abs(a - b) < 1e-4);
            }

            Assert.Equal(1, score.Probabilities.Sum(), 1e-12);
            Assert.Equal(score.LogProbabilities.Max(), score.LogProbabilities[score.Best]);
            Assert.Equal(score.LogProbabilities[0] - score.LogProbabilities[1], Math.Log(score.Probabilities[0] / score.Probabilities[1]), 1e-9);
        }
    }

    [Fact]
    public void Hundreds_of_labels_are_scored_in_several_passes()
    {
        var random = new SeededRandom(6);
        var labels = Enumerable.Range(0, 200).Select(i => (int[])[1 + (i % 40), 1 + (i / 40), .. Enumerable.Range(0, 1 + random.NextInt(3)).Select(_ => random.NextInt(61)), 0]).ToArray();
        int[] prompt = [3, 8, 21];
        var score = Assert.Single(new LabelScorer(model, labels).Score([prompt]));
        for (var label = 0; label < labels.Length; label += 9) Assert.Equal(Plain(prompt, labels[label]).Sum(), score.LogProbabilities[label], 2e-4);
    }

    [Fact]
    public void A_score_does_not_depend_on_the_batch_or_on_what_all_prompts_share()
    {
        var shared = Enumerable.Range(1, 15).ToArray();
        var prompts = Prompts(8, seed: 4).Select(prompt => (int[])[.. shared, .. prompt]).ToArray();
        var scorer = new LabelScorer(model, Labels);
        foreach (var score in scorer.Score(prompts, batchSize: 3))
        {
            var alone = Assert.Single(scorer.Score([prompts[score.Prompt]]));
            Assert.Equal(alone.LogProbabilities, score.LogProbabilities, (a, b) => Math.Abs(a - b) < 1e-4);
        }
    }

    [Fact]
    public void Length_normalisation_divides_by_the_tokens_of_the_label()
    {
        int[] prompt = [9, 3];
        var plain = Assert.Single(new LabelScorer(model, Labels).Score([prompt]));
        var normalised = Assert.Single(new LabelScorer(model, Labels, lengthNormalize: true).Score([prompt]));
        Assert.Equal(plain.LogProbabilities, normalised.LogProbabilities);
        var ratio = Math.Log(normalised.Probabilities[0] / normalised.Probabilities[4]);
        Assert.Equal((plain.LogProbabilities[0] / 4) - plain.LogProbabilities[4], ratio, 1e-9);
    }

    [Fact]
    public void Calibration_takes_off_the_mean_preference_after_prompts_without_content()
    {
        int[] prompt = [9, 3], first = [2, 2], second = [11];
        var scorer = new LabelScorer(model, Labels);
        var plain = Assert.Single(scorer.Score([prompt]));
        var p1 = Assert.Single(scorer.Score([first])).Probabilities;
        var p2 = Assert.Single(scorer.Score([second])).Probabilities;
        scorer.Calibrate([first, second]);
        var calibrated = Assert.Single(scorer.Score([prompt]));
        for (var label = 1; label < Labels.Length; label++)
        {
            var expected = plain.LogProbabilities[label] - plain.LogProbabilities[0] - Math.Log((p1[label] + p2[label]) / (p1[0] + p2[0]));
            Assert.Equal(expected, Math.Log(calibrated.Probabilities[label] / calibrated.Probabilities[0]), 1e-4);
        }

        // After one prompt without content, that prompt itself has no preference left.
        scorer.Calibrate([first]);
        Assert.All(Assert.Single(scorer.Score([first])).Probabilities, probability => Assert.Equal(1.0 / Labels.Length, probability, 1e-4));
    }

    [Fact]
    public void A_prompt_may_fill_the_model_up_to_the_last_token_of_the_longest_label()
    {
        using var small = TinyModel.New(maxLength: 20);
        var scorer = new LabelScorer(small, Labels);
        Assert.Single(scorer.Score([new int[14]]));
        Assert.Equal(
            "Prompt 0 has 15 tokens and the longest label 7, the model takes at most 20. Shorten the prompt. (Parameter 'prompts')",
            Assert.Throws<ArgumentException>(() => scorer.Score([new int[15]]).Count()).Message);
    }

    [Fact]
    public void Labels_of_one_token_need_no_second_pass()
    {
        var score = Assert.Single(new LabelScorer(model, [[3], [5]]).Score([[1, 2]]));
        Assert.Equal(Plain([1, 2], [5]).Sum(), score.LogProbabilities[1], 1e-4);
    }

    [Fact]
    public void Refuses_labels_that_cannot_be_scored()
    {
        Assert.Equal("Expected at least one label, found none. (Parameter 'labels')", Refusal());
        Assert.Equal("Label 1 has no tokens. Give it a text. (Parameter 'labels')", Refusal([1], []));
        Assert.Equal("Labels 0 and 2 have the same tokens, so the model cannot tell them apart. Give one of them another description. (Parameter 'labels')", Refusal([1, 2], [1], [1, 2]));
        Assert.Equal("A label holds a token that the model does not know; it knows 61. Does the tokenizer belong to the model? (Parameter 'labels')", Refusal([1], [61]));
        Assert.Equal("Expected at least one prompt without content, found none. (Parameter 'prompts')", Assert.Throws<ArgumentException>(() => new LabelScorer(model, Labels).Calibrate([])).Message);

        string Refusal(params int[][] labels) => Assert.Throws<ArgumentException>(() => new LabelScorer(model, labels)).Message;
    }

    private static int[][] Prompts(int count, int seed)
    {
        var random = new SeededRandom(seed);
        return [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, 1 + random.NextInt(9)).Select(_ => random.NextInt(TinyModel.Vocabulary)).ToArray())];
    }

    private double[] Plain(int[] prompt, int[] label)
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        long[] ids = [.. prompt.Concat(label).Select(token => (long)token)];
        var logs = model.Logits(model.Hidden(torch.tensor(ids, 1, ids.Length))).log_softmax(-1).ToArray<float>();
        return [.. label.Select((token, i) => (double)logs[((prompt.Length - 1 + i) * TinyModel.Vocabulary) + token])];
    }
}
