namespace Understudy.Evaluation;

/// <summary>The functions that probabilities and quantiles of the usual distributions are made of, to about 13 digits.</summary>
internal static class SpecialFunctions
{
    private const double Epsilon = 1e-16;
    private const double Tiny = 1e-300;

    // Lanczos' approximation with g = 7 and nine terms (Godfrey).
    private static readonly double[] Lanczos =
    [
        0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
        12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
    ];

    /// <summary>The natural logarithm of the gamma function for <paramref name="x"/> above 0.</summary>
    public static double LogGamma(double x)
    {
        var sum = Lanczos[0];
        for (var i = 1; i < Lanczos.Length; i++)
            sum += Lanczos[i] / (x - 1 + i);
        var t = x + 6.5;
        return (0.5 * Math.Log(2 * Math.PI)) + ((x - 0.5) * Math.Log(t)) - t + Math.Log(sum);
    }

    /// <summary>The complementary error function; small values keep their relative precision.</summary>
    public static double Erfc(double x)
    {
        if (x < 0)
            return 2 - Erfc(-x);
        if (x > 27.3)
            return 0;
        var square = x * x;
        if (x < 2)
        {
            // erf(x) = 2/sqrt(pi) exp(-x^2) sum of 2^n x^(2n+1) / (2n+1)!!
            var (term, sum) = (x, x);
            for (var n = 1; Math.Abs(term) > Epsilon * sum; n++)
            {
                term *= 2 * square / ((2 * n) + 1);
                sum += term;
            }
            return 1 - (2 / Math.Sqrt(Math.PI) * Math.Exp(-square) * sum);
        }
        // The continued fraction of the incomplete gamma function Q(1/2, x^2), by Lentz' method.
        var b = square + 0.5;
        var c = 1 / Tiny;
        var d = 1 / b;
        var fraction = d;
        for (var i = 1; i < 1000; i++)
        {
            var a = -i * (i - 0.5);
            b += 2;
            d = 1 / NotZero((a * d) + b);
            c = NotZero(b + (a / c));
            fraction *= d * c;
            if (Math.Abs((d * c) - 1) < Epsilon)
                break;
        }
        return x / Math.Sqrt(Math.PI) * Math.Exp(-square) * fraction;
    }

    /// <summary>The value that a standard normal variable exceeds with probability <paramref name="tail"/>, above 0 and below 1.</summary>
    public static double NormalUpperQuantile(double tail) => Root(z => 0.5 * Erfc(z / Math.Sqrt(2)) - tail, -40, 40);

    /// <summary>The probability that a Student-t variable is further from 0 than <paramref name="t"/>, either way.</summary>
    public static double StudentTwoSided(double t, double degrees) => RegularizedBeta(degrees / (degrees + (t * t)), degrees / 2, 0.5);

    /// <summary>The distance from 0 that a Student-t variable exceeds, either way, with probability <paramref name="tail"/>, above 0 and below 1.</summary>
    public static double StudentTwoSidedQuantile(double tail, double degrees)
    {
        // x = degrees / (degrees + t^2) lies in (0, 1), where t has no bound.
        var x = BetaQuantile(tail, degrees / 2, 0.5);
        return Math.Sqrt(degrees * (1 - x) / x);
    }

    /// <summary>The value below which a beta variable lies with probability <paramref name="probability"/>.</summary>
    public static double BetaQuantile(double probability, double a, double b) =>
        Root(x => probability - RegularizedBeta(x, a, b), 0, 1);

    /// <summary>The regularized incomplete beta function: the probability that a beta variable with <paramref name="a"/> and <paramref name="b"/>, both above 0, is at most <paramref name="x"/>.</summary>
    public static double RegularizedBeta(double x, double a, double b)
    {
        if (x <= 0)
            return 0;
        if (x >= 1)
            return 1;
        // The continued fraction converges fast on this side of the mean.
        return x < (a + 1) / (a + b + 2) ? Front(x, a, b) * BetaFraction(x, a, b) / a : 1 - (Front(x, a, b) * BetaFraction(1 - x, b, a) / b);
    }

    // x^a (1-x)^b / B(a, b), by Loader's saddle-point expansion: the logarithms of gamma would cancel for large a and b.
    private static double Front(double x, double a, double b)
    {
        var n = a + b;
        var exponent = StirlingError(n) - StirlingError(a) - StirlingError(b) - Deviance(a, n * x) - Deviance(b, n * (1 - x));
        return Math.Exp(exponent) * Math.Sqrt(n / (2 * Math.PI * a * b)) * (a * b / n);
    }

    // ln Gamma(n + 1) - Stirling's formula.
    private static double StirlingError(double n)
    {
        if (n < 16)
            return LogGamma(n + 1) - ((n + 0.5) * Math.Log(n)) + n - (0.5 * Math.Log(2 * Math.PI));
        var square = n * n;
        return ((1.0 / 12) - (((1.0 / 360) - (((1.0 / 1260) - (((1.0 / 1680) - (1.0 / 1188 / square)) / square)) / square)) / square)) / n;
    }

    // x ln(x / mean) + mean - x, without cancellation where the two are close.
    private static double Deviance(double x, double mean)
    {
        if (Math.Abs(x - mean) >= 0.1 * (x + mean))
            return (x * Math.Log(x / mean)) + mean - x;
        var v = (x - mean) / (x + mean);
        var sum = (x - mean) * v;
        var term = 2 * x * v;
        for (var i = 1; i < 1000; i++)
        {
            term *= v * v;
            var next = sum + (term / ((2 * i) + 1));
            if (next == sum)
                break;
            sum = next;
        }
        return sum;
    }

    // Lentz' method.
    private static double BetaFraction(double x, double a, double b)
    {
        double c = 1, d = 1 / NotZero(1 - ((a + b) * x / (a + 1)));
        var fraction = d;
        for (var m = 1; m < 100_000; m++)
        {
            var even = m * (b - m) * x / ((a + (2 * m) - 1) * (a + (2 * m)));
            d = 1 / NotZero(1 + (even * d));
            c = NotZero(1 + (even / c));
            fraction *= d * c;
            var odd = -(a + m) * (a + b + m) * x / ((a + (2 * m)) * (a + (2 * m) + 1));
            d = 1 / NotZero(1 + (odd * d));
            c = NotZero(1 + (odd / c));
            fraction *= d * c;
            if (Math.Abs((d * c) - 1) < Epsilon)
                break;
        }
        return fraction;
    }

    private static double NotZero(double value) => Math.Abs(value) < Tiny ? Tiny : value;

    // The root of a falling function, by halving until the ends are neighbouring numbers.
    private static double Root(Func<double, double> falling, double low, double high)
    {
        while (true)
        {
            var middle = low + ((high - low) / 2);
            if (middle <= low || middle >= high)
                return middle;
            if (falling(middle) > 0)
                low = middle;
            else
                high = middle;
        }
    }
}
