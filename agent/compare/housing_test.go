package compare

// scipyHousing holds what scipy 1.10.1 says of the two files of california_housing, read with pandas 1.5.3:
// ks_2samp(method="asymp"), wasserstein_distance, energy_distance, mannwhitneyu, ttest_ind(equal_var=False), cramervonmises_2samp(method="asymptotic").
var scipyHousing = map[string]map[string]float64{
	"MedInc":       {"ks": 0.068746575643778951, "ks_p": 1.7892834013325982e-14, "wasserstein": 0.30473033599683264, "energy": 0.16168475658353615, "wasserstein_std": 0.15753733680687249, "mannwhitney_p": 4.0571507121190394e-22, "welch_t_p": 4.8601856157881283e-21},
	"HouseAge":     {"ks": 0.086753690306222431, "ks_p": 8.3543651310101618e-23, "wasserstein": 2.0863597643642993, "energy": 0.50014730673103003, "wasserstein_std": 0.17856482093983189, "mannwhitney_p": 8.0476699897828846e-11, "welch_t_p": 2.2004316153702103e-05},
	"AveRooms":     {"ks": 0.065304722712130114, "ks_p": 4.2121833449121761e-13, "wasserstein": 0.1954300158094735, "energy": 0.097769940466480257, "wasserstein_std": 0.082766880257377634, "mannwhitney_p": 1.0965091006734143e-06, "welch_t_p": 0.99840292103179107},
	"AveBedrms":    {"ks": 0.013950877235079817, "ks_p": 0.51518976577928566, "wasserstein": 0.014714079287729614, "energy": 0.010267311960262983, "wasserstein_std": 0.035204000781269791, "mannwhitney_p": 0.21903592207735623, "welch_t_p": 0.025606246256913542},
	"Population":   {"ks": 0.021119029622430951, "ks_p": 0.093806628735663367, "wasserstein": 52.588441373022278, "energy": 1.0263287650506532, "wasserstein_std": 0.043411354318447885, "mannwhitney_p": 0.053256964200105776, "welch_t_p": 0.012845290639447372},
	"AveOccup":     {"ks": 0.083792247057553171, "ks_p": 2.6622013043037345e-21, "wasserstein": 0.38777304461381545, "energy": 0.13615560603717075, "wasserstein_std": 0.23571410508346616, "mannwhitney_p": 9.0175656377729217e-26, "welch_t_p": 0.63500930037697634},
	"Latitude":     {"ks": 0.50702417945426259, "ks_p": 0, "wasserstein": 1.872286300175567, "energy": 1.1761885645340706, "wasserstein_std": 1.1244579951579723, "mannwhitney_p": 0, "welch_t_p": 0},
	"Longitude":    {"ks": 0.51229368878650816, "ks_p": 0, "wasserstein": 1.8235099951209175, "energy": 1.1947715531380594, "wasserstein_std": 1.2431072420819222, "mannwhitney_p": 5.5136446316736195e-199, "welch_t_p": 0},
	"y_pred_proba": {"ks": 0.24782490891712361, "ks_p": 3.5088015251551408e-185, "wasserstein": 0.17288563750014996, "energy": 0.26534802421374326, "wasserstein_std": 0.53132437485950768, "mannwhitney_p": 3.4202948570734957e-210, "welch_t_p": 3.5941194720924399e-225},
	"y_pred":       {"ks": 0.20527690794130693, "ks_p": 1.2464512591582617e-126, "wasserstein": 0.20527690794130693, "energy": 0.29030538725260957, "wasserstein_std": 0.4393306330490972, "mannwhitney_p": 3.6997889467010553e-196, "welch_t_p": 8.3333923993990864e-178},
}
